"""What a tool says of a definition."""

import pytest

from mlops_school.definitions import verdict

AZURE = """Validation for ManagedOnlineDeploymentSchema failed:

 {
  "instance_count": [
    "Not a valid integer."
  ],
  "livenessprobe": [
    "Unknown field."
  ]
}

Visit this link: https://example.org
"""


def test_a_definition_that_can_be_read_is_accepted():
    read = []
    assert verdict(lambda path: read.append(path.read_text(encoding="utf-8")), "é: 1") == "accepted"
    assert read == ["é: 1"]


@pytest.mark.parametrize(
    ("message", "words"),
    [
        (AZURE, "refused: instance_count: Not a valid integer.; livenessprobe: Unknown field."),
        ("No job of type {comand}.\nRead on.", "refused: No job of type {comand}."),
        ("\nEmpty: {}\n", "refused: Empty: {}"),
    ],
)
def test_the_reason_is_one_line(message, words):
    def load(path):
        raise RuntimeError(message)

    assert verdict(load, "") == words
