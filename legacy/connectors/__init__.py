"""GetActions and the episodes it is called with."""

from __future__ import annotations

from rlmigrate.legacy.connectors.connector_v2 import ConnectorV2
from rlmigrate.legacy.connectors.episodes import MultiAgentEpisode, SingleAgentEpisode
from rlmigrate.legacy.connectors.get_actions import GetActions

__all__ = ["ConnectorV2", "GetActions", "MultiAgentEpisode", "SingleAgentEpisode"]
