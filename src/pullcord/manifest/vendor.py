"""Reads a vendor's own OpenAPI document, whatever its size, and writes a manifest as YAML."""

import json

import yaml

from pullcord.model.errors import ManifestError
from pullcord.model.value import Json

# libyaml's parser is many times faster; PyYAML falls back to its own where it was built without.
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Dumper(yaml.SafeDumper):
    """Writes each value where it stands: an alias would lead a reader elsewhere."""

    def ignore_aliases(self, _: object) -> bool:
        """Whether what stands in two places is written twice."""
        return True


def document(name: str, text: str) -> Json:
    """Read a vendor's document.

    Args:
        name: of the file, for its fault.
        text: its JSON or YAML.

    Raises:
        ManifestError: it is neither.
    """
    try:
        value: Json = json.loads(text) if text.lstrip().startswith("{") else yaml.load(text, _Loader)  # noqa: S506 - it is safe
    except (ValueError, yaml.YAMLError) as error:
        reason = " ".join(str(error).split())
        raise ManifestError([f"{name}: this is neither JSON nor YAML: {reason}"]) from None
    return value


def written(manifest: Json) -> str:
    """A manifest as YAML."""
    text: str = yaml.dump(
        manifest, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120, default_flow_style=None
    )
    return text
