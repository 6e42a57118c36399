"""The configuration folder of the demo's Home Assistant: what the demo needs, and nothing that asks the internet."""

from collections.abc import Iterable, Mapping
import json
from pathlib import Path
from typing import Any

from .process import ROOT

_CONFIGURATION = """\
# Written anew by scripts/demo at each start.
homeassistant:
  name: Flex Ready
  country: FR
  currency: EUR
  time_zone: Europe/Paris
  unit_system: metric
  latitude: 48.8566
  longitude: 2.3522
  elevation: 35
  language: {language}
  auth_providers:
    - type: trusted_networks
      trusted_networks: ["127.0.0.1", "::1"]
      allow_bypass_login: true
    - type: homeassistant
logger:
  default: warning
config:
energy:
history:
logbook:
recorder:
automation: !include automations.yaml
scene: !include scenes.yaml
script: !include scripts.yaml
"""

_SWITCH = """\
  - platform: rest
    name: {name}
    unique_id: {unique_id}
    resource: {url}
    body_on: '{{"on": true}}'
    body_off: '{{"on": false}}'
    is_on_template: "{{{{ value_json.on }}}}"
    headers:
      Content-Type: application/json
    scan_interval: 2
"""


def switch_id(load: str) -> str:
    """Give the unique id of the switch of a load."""
    return f"demo_load_{load}"


def configuration(language: str, control: str | None, loads: Iterable[Mapping[str, Any]]) -> str:
    """Give the text of configuration.yaml, with a switch for each load of the emulated building."""
    switches = [
        _SWITCH.format(name=load["name"], unique_id=switch_id(load["id"]), url=f"{control}/loads/{load['id']}")
        for load in loads
    ]
    return _CONFIGURATION.format(language=language) + ("switch:\n" + "".join(switches) if switches else "")


def write_folder(folder: Path, text: str, port: int) -> None:
    """Fill an empty folder: configuration.yaml with `text`, Home Assistant on 127.0.0.1 at `port`."""
    (folder / "configuration.yaml").write_text(text)
    for name in ("automations", "scenes", "scripts"):
        (folder / f"{name}.yaml").touch()
    (folder / "custom_components").symlink_to(ROOT / "custom_components")
    storage = folder / ".storage"
    storage.mkdir()
    # `http:` in YAML is only tried: Home Assistant restarts without it after five minutes.
    _store(storage, "http", 1, {"server_host": ["127.0.0.1"], "server_port": port})
    # Only the user is left to onboard: the other steps set up integrations that ask the internet.
    _store(storage, "onboarding", 4, {"done": ["core_config", "analytics", "integration"]})


def _store(storage: Path, key: str, version: int, data: Mapping[str, object]) -> None:
    (storage / key).write_text(json.dumps({"version": version, "key": key, "data": data}))
