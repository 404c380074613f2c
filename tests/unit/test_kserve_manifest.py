"""What is lost when a client reads a manifest: each field that it does not know."""

import copy

import pytest

from mlops_school import kserve_manifest


def test_nothing_is_lost_where_nothing_differs():
    manifest = kserve_manifest.example()
    more = copy.deepcopy(manifest)
    more["spec"]["predictor"]["name"] = ""  # what the client adds is not lost
    assert not list(kserve_manifest.lost(manifest, more))


@pytest.mark.parametrize(
    ("change", "path"),
    [
        (lambda one: one["spec"]["predictor"].pop("maxReplica"), "spec.predictor.maxReplica"),
        (lambda one: one.pop("spec"), "spec"),
        (
            lambda one: one["spec"]["predictor"]["containers"][0].pop("image"),
            "spec.predictor.containers[0].image",
        ),
        (lambda one: one["spec"]["predictor"].update(containers=[]), "spec.predictor.containers"),
        (lambda one: one.update(kind="Deployment"), "kind"),
    ],
)
def test_what_is_lost_is_named_by_its_path(change, path):
    after = kserve_manifest.example()
    change(after)
    assert list(kserve_manifest.lost(kserve_manifest.example(), after)) == [path]
