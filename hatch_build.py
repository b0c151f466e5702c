"""What the build adds: each manifest as JSON beside its YAML, since that is read many times faster, and the README."""

import json
import re
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from hatchling.metadata.plugin.interface import MetadataHookInterface


class Compiled(BuildHookInterface[Any]):
    """Makes JSON of the manifests. An editable installation has none: there the YAML is being edited."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Add the files to what the wheel includes.

        Args:
            version: "standard" or "editable".
            build_data: hatchling's own.
        """
        root = Path(self.root)
        sys.path.insert(0, str(root / "src"))
        from pullcord.manifest.document import parse  # noqa: PLC0415 - of the source that is being built

        self.folder = TemporaryDirectory()
        for path in sorted((root / "manifests" / "platforms").glob("*.yaml")) if version == "standard" else ():
            compiled = Path(self.folder.name, f"{path.stem}.json")
            value = parse(path.name, path.read_text(encoding="utf-8")).value
            compiled.write_text(json.dumps(value, ensure_ascii=False, separators=(",", ":")), encoding="utf-8")
            build_data["force_include"][str(compiled)] = f"pullcord/manifests/{compiled.name}"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:  # noqa: ARG002 - hatchling's
        """Remove the files again.

        Args:
            version: "standard" or "editable".
            build_data: hatchling's own.
            artifact_path: the wheel, which has them now.
        """
        self.folder.cleanup()


class Readme(MetadataHookInterface):
    """Hands on the README. A package's page has no files beside it, so the links lead to those of its version."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Add it.

        Args:
            metadata: the project's, with its version and its addresses.
        """
        project, version = metadata["urls"]["Homepage"], metadata["version"]
        text = Path(self.root, "README.md").read_text(encoding="utf-8")
        for start, kind in ((r"(!\[[^]]*\]\()", "raw"), (r"(\]\()", "blob")):
            text = re.sub(rf"{start}(?!https?://|#)", rf"\g<1>{project}/{kind}/v{version}/", text)
        metadata["readme"] = {"content-type": "text/markdown", "text": text}
