"""TensorFlow models and modules as sides of a comparison; run eagerly.

naming      layers and variables by one kind of name on both sides
tapping     what enters and leaves each layer
widening    a pass in float64, by widening its graph
tf_side     what both sides do alike
legacy_tf   a TFModelV2 of RLlib or of rlmigrate.legacy
module_tf   a TfRLModule, wrapped or native
"""
