"""Spec checking and NestedDict, which RLlib had up to 2.35 and 2.24.

specs        Spec, TypeSpec, TensorSpec and its forms per framework
spec_dict    SpecDict: specs by nested key
nested_dict  NestedDict
checker      check_input_specs, check_output_specs, and SpecType as users write it
enforcing    when a module's own specs are checked
"""
