"""The compiled kernels, which setup.cfg has no words for; all else stands there."""

from glob import glob

from setuptools import Extension, setup

setup(
    ext_modules=[
        Extension(
            "bccurate.native._kernels",
            sorted(glob("bccurate/native/*.c")),
            depends=["bccurate/native/kernels.h"],
            # No contraction: a fused multiply-add rounds otherwise than Pillow and numpy do.
            extra_compile_args=["-O3", "-std=c11", "-fvisibility=hidden", "-ffp-contract=off"],
            optional=True,  # with no compiler bccurate works all the same, in numpy
        )
    ]
)
