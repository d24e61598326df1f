"""Reports for people and machines, made from results alone: text, Markdown, JUnit, HTML."""
