"""Renders Gaussians: gsplat on CUDA, our own tile rasterizer on the CPU."""

from gpu.rendering.rasterize import RenderMode, rasterize

__all__ = ["RenderMode", "rasterize"]
