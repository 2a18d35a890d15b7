"""`python -m voicewright.weights.seal`: write the hashes of the bundled weights beside them.

Run it after a bundled file changed on purpose. The seal is a plain `SHA256SUMS`, so `sha256sum -c` reads it too.
"""

import sys
from pathlib import Path

from voicewright.weights.catalogue import BUNDLED, SEAL_NAME, read_seal
from voicewright.weights.verified import sha256_of


def hash_bundled(folder: Path = BUNDLED) -> dict[str, str]:
    """SHA-256 (hex) of every safetensors file in the folder, by name."""
    return {path.name: sha256_of(path) for path in sorted(folder.glob("*.safetensors"))}


def write_seal(folder: Path = BUNDLED) -> Path:
    """Write the seal and give its path back."""
    seal = folder / SEAL_NAME
    lines = [f"{digest}  {name}\n" for name, digest in hash_bundled(folder).items()]
    seal.write_text("".join(lines), encoding="utf-8")
    return seal


def disagreements(folder: Path = BUNDLED) -> list[str]:
    """What differs between the seal and the files, one line each; empty when they agree."""
    sealed, real = read_seal(folder), hash_bundled(folder)
    found = [f"{name}: sealed, but not there" for name in sorted(sealed.keys() - real.keys())]
    found += [f"{name}: there, but not sealed" for name in sorted(real.keys() - sealed.keys())]
    return found + [f"{name}: changed since it was sealed" for name in sorted(real.keys() & sealed.keys())
                    if real[name] != sealed[name]]  # fmt: skip


if __name__ == "__main__":
    target = write_seal(Path(sys.argv[1]) if len(sys.argv) > 1 else BUNDLED)
    sys.stdout.write(f"{target}\n{target.read_text(encoding='utf-8')}")
