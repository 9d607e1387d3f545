"""study.html: one self-contained page that shows a study to people."""

from hanji.studies.page.page import page_of, write_page

__all__ = ["page_of", "write_page"]
