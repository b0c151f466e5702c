"""What the build adds: each manifest as JSON beside its YAML, since that is read many times faster."""

import json
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


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
