"""The pipeline: photos in, a 3D Gaussian splat out.

Imports nothing from `bot`. The bot imports only `gpu.job`, the job specification
that both sides share, which needs nothing but the standard library.
"""
