"""Sphinx's settings for the web site of the course; `school site` builds it."""

project = "NS AI School: MLOps"
html_title = project
language = "en"

extensions = ["myst_nb", "mlops_school.authoring.site_extension"]
exclude_patterns = [".doctrees"]
nb_execution_mode = "off"  # the notebooks hold their outputs
nb_merge_streams = True
nb_render_error_lexer = "none"  # most errors are sentences, not tracebacks
myst_heading_anchors = 4  # links to headings, as teachers' pages have them
myst_enable_extensions = ["attrs_block", "colon_fence", "dollarmath"]

html_theme = "sphinx_book_theme"
html_theme_options = {
    "logo": {"text": project},
    "article_header_start": [],
    "article_header_end": [],
    "show_toc_level": 1,
    "toc_title": "On this page",
    "use_download_button": False,  # a notebook alone does not run
    "use_fullscreen_button": False,
    "footer_content_items": [],
}
html_context = {"default_mode": "auto"}
html_sidebars = {"**": ["sbt-sidebar-nav"]}
html_logo = html_favicon = "static/mark.svg"
html_static_path = ["static"]
html_css_files = ["school.css"]
templates_path = ["templates"]
html_math_renderer = "mathml"
html_copy_source = False
html_show_sphinx = False
html_show_search_summary = False  # it would load every page that is found
html_use_index = False  # the glossary is one
html_permalinks_icon = "#"
