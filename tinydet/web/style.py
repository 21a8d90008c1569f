"""The looks of the page."""

CSS = """
.gradio-container { max-width: 1440px !important; }
@media (max-width: 640px) { .gradio-container .main { padding: 12px !important; } }
.html-container { padding: 0 !important; }
#title h1 { margin: 0; font-size: 24px; }
#title p, .model p, .found th, .found .timing span { opacity: 0.75; }
#title p, .model p { margin: 2px 0 0; }
.model h2, .model p, .found td:first-child { overflow-wrap: anywhere; }
.model h2 { margin: 0; font-size: 17px; }
.model ul { display: flex; flex-wrap: wrap; gap: 5px; margin: 8px 0 0; padding: 0; }
.model li {
  margin: 0; padding: 0 8px; border-radius: 99px; font-size: 12px; list-style: none;
  background: var(--background-fill-secondary);
  border: 1px solid var(--border-color-primary);
}
.picture img { max-height: 480px; object-fit: contain; }
.found .timing { margin: 0 0 10px; }
.found .timing b { font-size: 20px; }
.found .timing span { display: inline-block; }
.found .none { margin: 0; }
.found table { width: 100%; margin: 0; border-collapse: collapse; }
.found table, .found th, .found td, .found tr { border: 0 !important; }
.found tbody tr { border-top: 1px solid var(--border-color-primary) !important; }
.found th, .found td {
  padding: 6px 8px !important; text-align: right !important; white-space: nowrap;
  font-variant-numeric: tabular-nums;
}
.found th { font-weight: 600; font-size: 12.5px; }
.found th:first-child, .found td:first-child {
  padding-left: 0 !important; text-align: left !important; white-space: normal;
}
.found th:last-child, .found td:last-child { padding-right: 0 !important; }
.found td.bar { width: 40%; }
.found td.bar b { display: block; height: 8px; border-radius: 4px; }
.found i {
  display: inline-block; width: 12px; height: 12px; margin-right: 8px;
  border-radius: 3px; vertical-align: -1px;
}
"""
