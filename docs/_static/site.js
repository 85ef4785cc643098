// What theme and docutils leave out for readers who listen to the page.
document.addEventListener("DOMContentLoaded", () => {
  for (const summary of document.querySelectorAll(".bd-sidebar summary")) {
    summary.setAttribute("aria-label", "Show or hide the pages below");
  }
  for (const reference of document.querySelectorAll(".citation-list, .citation")) {
    reference.removeAttribute("role"); // "doc-biblioentry" is deprecated
  }
});
