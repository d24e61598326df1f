"""What a rule asks about one file: nodes by type, values of names, config builders."""
