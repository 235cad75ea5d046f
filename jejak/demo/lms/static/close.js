// A tool says that its registration is done (Dynamic Registration 1.0): go back to the list of tools.
window.addEventListener("message", (event) => {
  const frame = document.getElementById("contentframe");
  const done = event.data && event.data.subject === "org.imsglobal.lti.close";
  if (done && frame && event.source === frame.contentWindow) {
    window.location.assign("/admin/tools");
  }
});
