"""Read and write RLModule checkpoints of Ray, without running code from them.

checkpointable  the methods that modules get: save_to_path, restore_from_path, from_checkpoint
writing         the files of a checkpoint, as Ray 2.44 to 2.60 writes them
restoring       states and whole modules from a checkpoint of any release
layouts         what lies where, in three generations of checkpoints
unpickling      loads: pickle with an allow-list
packing         the same for msgpack
pickling        dumps: pickle that names Ray's classes for ours
ray_classes     which class of Ray's is which of ours
spaces          gymnasium spaces as plain data
types           classes as names
"""
