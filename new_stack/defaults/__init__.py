"""RLlib's default modules.

ppo          DefaultPPOTorchRLModule
bc           DefaultBCTorchRLModule
dqn          DefaultDQNTorchRLModule
sac          DefaultSACTorchRLModule
discrete_bc  the small modules of RLlib's documents: DiscreteBCTorchModule and those with a
             shared encoder
schedule     a value that changes over time
"""
