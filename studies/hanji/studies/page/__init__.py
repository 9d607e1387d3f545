"""study.html: a self-contained page with the results of a study."""

from hanji.studies.page.page import page_of, write_page

__all__ = ["page_of", "write_page"]
