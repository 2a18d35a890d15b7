"""`ServeOptions`: how the server behaves."""

from dataclasses import dataclass

from voicewright.errors import BadSetting

LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


@dataclass(frozen=True, kw_only=True)
class ServeOptions:
    """How the server behaves, and what it refuses."""

    host: str = "127.0.0.1"
    """The address to listen at. Any but this machine's own needs a key."""
    port: int = 7860
    """The port to listen at; 0 takes a free one."""
    names: tuple[str, ...] = ()
    """More names that this server is called by in a browser's address line, besides the address it listens at."""
    workers: int = 1
    """How many voices speak at the same time; each takes the cores that there are."""
    queue: int = 64
    """How many jobs may wait; more are refused with the time to ask again."""
    upload_mb: float = 640.0
    """The largest file that is taken, in megabytes; a checkpoint of so-vits-svc has about 550."""
    upload_minutes: float = 240.0
    """The longest recording that is taken."""
    text_letters: int = 1_000_000
    """The longest text that is spoken in one job."""
    requests_per_minute: float = 3000.0
    """How many requests a key, or an address without one, may send."""
    live: int = 2
    """How many live conversions may run at the same time."""
    keep_days: float = 30.0
    """Results older than this are deleted; 0 keeps them."""
    keep_mb: float = 4000.0
    """The oldest results are deleted when all take more room than this, in megabytes; 0 knows no limit."""

    def __post_init__(self) -> None:
        least = {"workers": 1, "queue": 1, "text_letters": 1, "live": 0, "port": 0}
        for name, low in least.items():
            if getattr(self, name) < low:
                raise BadSetting(f"{name} must be at least {low}, got {getattr(self, name)}")
        for name in ("upload_mb", "upload_minutes", "requests_per_minute"):
            if not getattr(self, name) > 0:
                raise BadSetting(f"{name} must be above 0, got {getattr(self, name):g}")

    @property
    def is_local(self) -> bool:
        """Whether only programs of this machine can reach it."""
        return self.host in LOOPBACK
