"""Which of our functions answers for which case, by the case's name."""

from collections.abc import Mapping
from importlib import import_module

from voicewright.parity.case import Check

SOVITS = "voicewright.parity.sovits"
GENERATORS = (
    "g_fork40_legacy256",
    "g_fork40v1_768",
    "g_fork_mbistft",
    "g_fork_quickvc_msistft",
    "g_up41",
    "g_up41_snake",
    "g_up41_tiny_dw_share",
    "g_up41_transflow",
    "g_up41_transflow_share",
    "g_up41_vol",
)
CHECKS: Mapping[str, str] = {
    **dict.fromkeys(GENERATORS, f"{SOVITS}.generator:generator"),
    "audio_functions_up41": f"{SOVITS}.sound:audio_functions",
    "cluster_fork": f"{SOVITS}.retrieval:clusters",
    "d_full_formula": f"{SOVITS}.discriminators:full_width",
    "d_narrow": f"{SOVITS}.discriminators:narrow",
    "diffusion_up41": f"{SOVITS}.diffusion:diffusion",
    "f0_functions_fork": f"{SOVITS}.curves:fork",
    "f0_functions_up41": f"{SOVITS}.curves:upstream",
    "losses_fork": f"{SOVITS}.losses:losses",
    "mel_fork": f"{SOVITS}.spectra:mel",
    "nvstft_up41": f"{SOVITS}.vocoder:spectra",
    "realtime_fork": f"{SOVITS}.realtime:realtime",
    "retrieval_up41": f"{SOVITS}.retrieval:retrieval",
    "slice_inference_up41": f"{SOVITS}.slicing:slice_inference",
    "slicer_up41": f"{SOVITS}.slicing:slicer",
    "slicing_fork": f"{SOVITS}.slicing:fork",
    "vocoder_nsf_hifigan_up41": f"{SOVITS}.vocoder:vocoder",
}


def find_check(case: str) -> Check | None:
    """What answers for the case of that name; None: nothing does."""
    if case not in CHECKS:
        return None
    module, _, attribute = CHECKS[case].partition(":")
    check: Check = getattr(import_module(module), attribute)
    return check
