"""What a policy learned, written as a Learner and a connector for a person to finish."""
