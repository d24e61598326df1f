"""The names of the columns of a batch and of a module's outputs."""

from __future__ import annotations


class Columns:
    """The column names that RLlib's parts agree on."""

    # What the environment gave.
    OBS = "obs"
    INFOS = "infos"
    REWARDS = "rewards"
    TERMINATEDS = "terminateds"
    TRUNCATEDS = "truncateds"
    NEXT_OBS = "new_obs"

    # What the module chose, and what went to the environment after unsquashing or clipping.
    ACTIONS = "actions"
    ACTIONS_FOR_ENV = "actions_for_env"
    ACTION_DIST_INPUTS = "action_dist_inputs"
    ACTION_PROB = "action_prob"
    ACTION_LOGP = "action_logp"

    # Where a row comes from.
    EPS_ID = "eps_id"
    AGENT_ID = "agent_id"
    MODULE_ID = "module_id"
    T = "t"

    # Recurrent modules: states, and the lengths of zero-padded [B, T, ...] rows.
    SEQ_LENS = "seq_lens"
    STATE_IN = "state_in"
    NEXT_STATE_IN = "next_state_in"
    STATE_OUT = "state_out"
    NEXT_STATE_OUT = "next_state_out"

    # What training adds.
    EMBEDDINGS = "embeddings"
    VF_PREDS = "vf_preds"
    VALUES_BOOTSTRAPPED = "values_bootstrapped"
    ADVANTAGES = "advantages"
    VALUE_TARGETS = "value_targets"
    INTRINSIC_REWARDS = "intrinsic_rewards"
    RETURNS_TO_GO = "returns_to_go"
    LOSS_MASK = "loss_mask"
