"""Every float32 residual for one choice of parameters: 2^32 inputs, in shards that can be resumed.

panels.py encloses the quantity by polynomials made from ball arithmetic on the raw definition;
shard.py compares an emitted function with them; runs.py keeps the results; campaign.py does many.
"""
