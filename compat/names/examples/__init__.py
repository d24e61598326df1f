"""Our implementations of the example modules and environments that RLlib's documents link.

tiny_atari_cnn    a small CNN with policy and value heads and target networks
lstm_containing   an LSTM with dense layers, policy and value heads
mobilenet         a MobileNet v2 as encoder of an actor-critic module
environments      the random environment and several CartPoles and Pendulums as agents
"""
