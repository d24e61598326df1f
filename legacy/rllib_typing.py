"""The names that old code imports from `ray.rllib.utils.typing`, for its annotations.

They say what RLlib calls a thing; nothing is checked by them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

AgentToModuleMappingFn = Callable[..., Any]
ConvFilterSpec = list[Any]
DeviceType = Any
IsPolicyToTrain = Callable[..., bool]
LearningRateOrSchedule = Any
ShouldModuleBeUpdatedFn = Any
StateDict = dict[str, Any]

TensorType = Any
TensorStructType = Any
TensorShape = Any
SpaceStruct = Any
NetworkType = Any

ModelConfigDict = dict[str, Any]
ModelInputDict = dict[str, Any]
ModelGradients = Any
ModelWeights = dict[str, Any]

AlgorithmConfigDict = dict[str, Any]
PartialAlgorithmConfigDict = dict[str, Any]
TrainerConfigDict = dict[str, Any]
PartialTrainerConfigDict = dict[str, Any]
EnvConfigDict = dict[str, Any]

AgentID = Any
PolicyID = str
ModuleID = str
MultiAgentPolicyConfigDict = dict[str, Any]
PolicyState = dict[str, Any]

EnvID = Any
EnvType = Any
EnvCreator = Callable[[Any], Any]
EnvObsType = Any
EnvActionType = Any
EnvInfoDict = dict[str, Any]
EpisodeID = Any
UnrollID = int
MultiAgentDict = dict[Any, Any]
MultiEnvDict = dict[Any, dict[Any, Any]]

ResultDict = dict[str, Any]
LearnerStatsDict = dict[str, Any]
GradInfoDict = dict[str, Any]
StateBatches = list[Any]
SampleBatchType = Any
EpisodeType = Any
FileType = Any
Optimizer = Any
LocalOptimizer = Any
Param = Any
ParamRef = Any
ParamDict = dict[Any, Any]
ParamList = list[Any]
NamedParamDict = dict[str, Any]
FromConfigSpec = Any
RLModuleSpecType = Any
AgentConnectorDataType = Any
AgentConnectorsOutput = Any
ActionConnectorDataType = Any
PolicyOutputType = Any
ViewRequirementsDict = dict[str, Any]
