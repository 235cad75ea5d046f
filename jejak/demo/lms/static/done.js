// Content selection runs in a frame; the course page takes its place when it is done.
window.top.location.assign(document.getElementById("onward").href);
