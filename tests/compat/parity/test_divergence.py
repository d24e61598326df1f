"""KL(old || new) in the results and in every report."""

import json
import re

import numpy as np
import pytest
import torch

from rlmigrate.compat.parity import ParityReport, check_parity
from rlmigrate.compat.parity.render import render
from rlmigrate.compat.parity.results import read_result


def divergence(pair, **options):
    old, new, spaces = pair
    (result,) = check_parity(old, new, **spaces, localise=False, gradients=False, **options).results
    return result


def test_equal_bits_have_none(planted):
    found = divergence(planted("correct", "Same")).divergence
    assert found is not None
    assert found.largest == 0
    assert found.undefined == 0
    assert found.rows > 60


def test_size_is_that_of_the_distributions(planted):
    old, new, spaces = planted("correct", "Same")

    class Flatter(new):
        def _forward(self, batch, **kwargs):
            found = super()._forward(batch, **kwargs)
            self.seen = found["action_dist_inputs"]
            return {**found, "action_dist_inputs": self.seen * 0.5}

    from rlmigrate.compat.parity.cases import CaseOptions, plan_cases
    from rlmigrate.compat.parity.sides import building

    cases = plan_cases(**spaces, options=CaseOptions(only=("batch 32",)))
    module = building.build_module(Flatter, **spaces, model_config={})
    model = building.build_legacy(old, **spaces, model_config={})
    module.load_state_dict(model.state_dict())
    found = divergence((model, module, spaces), cases=cases).divergence
    assert found is not None
    logits = module.seen.double()
    made = torch.distributions.Categorical
    wanted = torch.distributions.kl_divergence(made(logits=logits), made(logits=logits * 0.5))
    np.testing.assert_allclose(found.largest, wanted.max().item(), rtol=1e-9)
    assert (found.case, found.row) == ("batch 32", int(wanted.argmax()))


@pytest.mark.parametrize("name", ["MissingLogStd", "PartsOfActions"])
def test_gaussians_and_several_actions(planted, name):
    found = divergence(planted("faulty", name)).divergence
    assert found is not None
    assert found.largest > 0
    assert np.isfinite(found.largest)


def test_rows_where_the_new_side_forbids_what_the_old_allows(planted):
    found = divergence(planted("faulty", "InvertedMask")).divergence
    assert found is not None
    assert found.undefined > 0


def test_every_report_gives_it(planted):
    result = divergence(planted("faulty", "Scaled"))
    assert read_result(json.loads(json.dumps(result.to_dict()))) == result
    report = ParityReport((result,))
    for style in ("text", "markdown", "html"):
        assert "KL(old||new)" in re.sub(r"\\", "", render(report, style)), style
    assert result.divergence is not None
    assert f"{result.divergence.largest:.2g} nats" in render(report, "text")


def test_what_is_folded_on_the_screen_is_not_inside_of_details(planted):
    """Browsers print closed details closed; their content must stand beside them."""
    page = render(ParityReport((divergence(planted("correct", "Same")),)), "html")
    inside = re.findall(r"<details>(.*?)</details>", page)
    assert inside
    assert all(re.fullmatch(r"<summary>[^<]*</summary>", part) for part in inside)
    assert "@media screen{details:not([open])+.fold{display:none}}" in page
