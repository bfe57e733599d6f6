"""What is rising, judged against its own past, by people and not by posts. Pure statistics."""

from gnomon.trends.rank import explain, rising
from gnomon.trends.terms import KINDS
from gnomon.trends.view import TrendsView

__all__ = ["KINDS", "TrendsView", "explain", "rising"]
