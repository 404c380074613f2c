import unittest

from rule import probability, warn


class TestRule(unittest.TestCase):
    def test_evening_flights_are_warned_of(self):
        self.assertTrue(warn(20))

    def test_morning_flights_are_not(self):
        self.assertFalse(warn(6))

    def test_a_probability_is_at_most_one(self):
        self.assertLessEqual(probability(20), 1)
