"""The report on a dataset: one HTML file that needs nothing else and plays the clips beside it."""

from voicewright.data.report.page import ReportOptions, write_report

__all__ = ["ReportOptions", "write_report"]
