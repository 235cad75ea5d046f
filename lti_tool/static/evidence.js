/* Photos and documents of the form: photos are made smaller on the device, without the place where they were taken,
   and sent while one goes on typing, by tus 1.0. A connection that breaks is waited for, and the rest is sent alone.
   Without this script the files travel with the form. */
(function () {
  "use strict";
  var field = document.getElementById("files");
  if (!field || !window.fetch || !window.URLSearchParams) { return; }
  var form = field.closest("form"), list = document.getElementById("files-kept"), told = field.dataset;
  var token = form.elements.csrf_token.value, status = document.getElementById("files-status");
  var EDGE = 1600, GOAL = 200 * 1024, PART = 64 * 1024, LONGEST_WAIT = 15000;
  var queue = [], busy = false, waiting = null;

  function say(text) { status.textContent = text; }

  function fill(text, values) {
    return text.replace(/\{(\w+)\}/g, function (_, name) { return values[name]; });
  }

  function wait(milliseconds) {
    return new Promise(function (done) {
      var timer = setTimeout(done, milliseconds);
      window.addEventListener("online", function () { clearTimeout(timer); setTimeout(done, 200); }, {once: true});
    });
  }

  /* A photo as JPEG of about GOAL bytes: drawn anew, so nothing else that was in the file is left. What this browser
     cannot draw (a PDF, HEIC in most) goes as it is; the server draws it. */
  function shrink(file) {
    if (!/^image\//.test(file.type) || !window.createImageBitmap) { return Promise.resolve(file); }
    return createImageBitmap(file, {imageOrientation: "from-image"}).then(function (bitmap) {
      var steps = [[EDGE, 0.8], [EDGE, 0.65], [EDGE, 0.5], [1200, 0.5]];
      function attempt(step) {
        var scale = Math.min(1, steps[step][0] / Math.max(bitmap.width, bitmap.height));
        var canvas = document.createElement("canvas"), pen = canvas.getContext("2d");
        canvas.width = Math.max(1, Math.round(bitmap.width * scale));
        canvas.height = Math.max(1, Math.round(bitmap.height * scale));
        pen.fillStyle = "#fff";
        pen.fillRect(0, 0, canvas.width, canvas.height);
        pen.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
        return new Promise(function (done) { canvas.toBlob(done, "image/jpeg", steps[step][1]); }).then(function (blob) {
          if (!blob) { return file; }
          return blob.size > GOAL && step < steps.length - 1 ? attempt(step + 1) : blob;
        });
      }
      return attempt(0).then(function (blob) { if (bitmap.close) { bitmap.close(); } return blob; });
    }).catch(function () { return file; });
  }

  function ask(method, url, headers, body) {
    headers["Tus-Resumable"] = "1.0.0";
    headers["X-CSRF-Token"] = token;
    return fetch(url, {method: method, headers: headers, body: body, credentials: "same-origin"});
  }

  /* What to do with an answer: go on, come again later, or stop and say why. */
  function refusal(answer) {
    if (answer.status === 401) { return Promise.reject({said: told.ended}); }
    if (answer.status >= 500 || answer.status === 408) { return Promise.reject({later: true}); }
    return answer.json().catch(function () { return {}; }).then(function (body) {
      return Promise.reject({said: body.detail || told.failed});
    });
  }

  function began(item) {
    var name = btoa(unescape(encodeURIComponent(item.file.name || "")));
    return ask("POST", told.uploads, {
      "Upload-Length": String(item.blob.size), "Upload-Metadata": "filename " + name
    }).then(function (answer) {
      if (answer.status !== 201) { return refusal(answer); }
      item.url = answer.headers.get("Location");
      item.offset = 0;
    });
  }

  function found(item) {
    return ask("HEAD", item.url, {}).then(function (answer) {
      if (answer.status === 404 || answer.status === 410) { item.url = ""; return null; }
      if (!answer.ok) { return refusal(answer); }
      item.offset = Number(answer.headers.get("Upload-Offset"));
      return null;
    });
  }

  function sent(item) {
    var part = item.blob.slice(item.offset, item.offset + PART);
    return ask("PATCH", item.url, {
      "Content-Type": "application/offset+octet-stream", "Upload-Offset": String(item.offset)
    }, part).then(function (answer) {
      if (answer.status === 409) { return found(item); }
      if (answer.status !== 204) { return refusal(answer); }
      item.offset = Number(answer.headers.get("Upload-Offset"));
      return null;
    });
  }

  function send(item) {
    var pause = 1000;
    function go() {
      if (item.gone) { return null; }
      var step = !item.url ? began(item) : item.unsure ? found(item) : sent(item);
      return step.then(function () {
        item.unsure = false;
        pause = 1000;
        show(item);
        return item.url && item.offset === item.blob.size ? null : go();
      }, function (error) {
        if (error && error.said) { throw error; }
        item.unsure = true;
        item.note.textContent = told.broken;
        say(told.broken);
        return wait(pause).then(function () { pause = Math.min(pause * 2, LONGEST_WAIT); return go(); });
      });
    }
    return go();
  }

  function show(item) {
    var share = item.blob.size ? Math.round(100 * item.offset / item.blob.size) : 0;
    item.bar.value = share;
    item.note.textContent = share + "\u00a0%";
  }

  function size(bytes) {
    var mb = bytes / 1048576, language = document.documentElement.lang;
    return mb < 1 ? Math.max(1, Math.round(bytes / 1024)) + "\u00a0KB"
      : mb.toLocaleString(language, {maximumFractionDigits: 1}) + "\u00a0MB";
  }

  function row(file) {
    var item = {file: file, line: document.createElement("li"), name: document.createElement("bdi"),
      bar: document.createElement("progress"), note: document.createElement("span"), stop: document.createElement("button")};
    item.name.textContent = file.name;
    item.bar.max = 100;
    item.bar.value = 0;
    item.bar.setAttribute("aria-label", file.name);
    item.note.className = "quiet small";
    item.note.textContent = told.preparing;
    item.stop.type = "button";
    item.stop.className = "button plain";
    item.stop.textContent = told.cancel;
    item.stop.setAttribute("aria-label", told.cancel + ": " + file.name);
    item.stop.addEventListener("click", function () {
      item.gone = true;
      item.line.remove();
      if (item.url) { ask("DELETE", item.url, {}).catch(function () {}); }
    });
    item.line.className = "sending";
    [item.name, item.bar, item.note, item.stop].forEach(function (each) { item.line.appendChild(each); });
    list.appendChild(item.line);
    return item;
  }

  function kept(item) {
    var id = item.url.split("/").pop(), label = document.createElement("label"), box = document.createElement("input");
    var text = document.createElement("span");
    label.className = "choice";
    box.type = "checkbox";
    box.name = "file_" + id;
    box.value = "1";
    box.checked = true;
    label.appendChild(box);
    if (item.blob !== item.file || /^image\//.test(item.file.type)) {
      var picture = document.createElement("img");
      picture.alt = "";
      picture.src = told.evidence + "/" + id + "/preview";
      label.appendChild(picture);
    }
    item.note.textContent = size(item.blob.size);
    text.appendChild(item.name);
    text.appendChild(document.createTextNode(" "));
    text.appendChild(item.note);
    label.appendChild(text);
    item.line.className = "";
    item.line.textContent = "";
    item.line.appendChild(label);
    box.dispatchEvent(new Event("input", {bubbles: true}));
    say(fill(told.arrived, {name: item.file.name}));
  }

  function wrong(item, text) {
    var name = document.createElement("strong");
    item.line.className = "error";
    item.line.textContent = "";
    name.appendChild(item.name);
    item.line.appendChild(name);
    item.line.appendChild(document.createTextNode(": " + text));
    item.line.setAttribute("role", "alert");
    say("");
  }

  function next() {
    if (busy) { return; }
    var item = queue.shift();
    if (!item) {
      if (waiting) {
        var button = waiting;
        waiting = null;
        if (form.requestSubmit) { form.requestSubmit(button); }
        else { form.submit(); }
      }
      return;
    }
    if (item.gone) { next(); return; }
    busy = true;
    shrink(item.file).then(function (blob) {
      item.blob = blob;
      if (blob.size > Number(told.most)) { throw {said: told.large}; }
      if (!blob.size) { throw {said: told.empty}; }
      return send(item);
    }).then(function () {
      if (!item.gone) { kept(item); }
    }, function (error) {
      // What is wrong with a file holds back a form that waits for it: people see it before they send.
      if (!item.gone) { wrong(item, (error && error.said) || told.failed); }
      if (waiting) { restore(); }
    }).then(function () { busy = false; next(); });
  }

  function restore() { waiting = null; say(told.look); }

  field.addEventListener("change", function (event) {
    var input = event.target;
    if (input.type !== "file" || !input.files.length) { return; }
    var room = Number(told.number) - list.querySelectorAll("input:checked, .sending").length;
    Array.prototype.forEach.call(list.querySelectorAll("li.error"), function (line) { line.remove(); });
    Array.prototype.forEach.call(input.files, function (file) {
      var item = row(file);
      if (room-- > 0) { queue.push(item); } else { wrong(item, told.many); }
    });
    // They are sent from here, and not with the form once more.
    input.value = "";
    next();
  });

  form.addEventListener("submit", function (event) {
    if (!list.querySelector(".sending") || (event.submitter && event.submitter.name)) { return; }
    event.preventDefault();
    event.stopImmediatePropagation();
    waiting = event.submitter || form.querySelector(".actions button");
    say(told.waiting);
  }, true);
  field.classList.add("live");
}());
