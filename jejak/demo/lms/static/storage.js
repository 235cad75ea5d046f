// Keeps small texts for the tools in this page's frames (LTI Platform Storage 0.1, Client Side postMessages 1.0).
// Each origin reads only what it has written; nothing outlives the page.
const kept = new Map();
const MOST = 500;
const LONGEST = 4096;

function answer(data, origin) {
  if (data.subject === "lti.capabilities") {
    const supported = ["lti.capabilities", "lti.put_data", "lti.get_data"];
    return { supported_messages: supported.map((subject) => ({ subject, frame: "_parent" })) };
  }
  const own = kept.get(origin) || new Map();
  kept.set(origin, own);
  if (typeof data.key !== "string" || !data.key) {
    return { error: { code: "bad_request", message: "key is missing" } };
  }
  if (data.subject === "lti.get_data") {
    return { key: data.key, value: own.has(data.key) ? own.get(data.key) : null };
  }
  if (data.value === null || data.value === undefined) {
    own.delete(data.key);
    return { key: data.key, value: null };
  }
  if (typeof data.value !== "string" || data.key.length + data.value.length > LONGEST || own.size >= MOST) {
    return { error: { code: "storage_exhaustion", message: "too much" } };
  }
  own.set(data.key, data.value);
  return { key: data.key, value: data.value };
}

window.addEventListener("message", (event) => {
  const data = event.data;
  const known = ["lti.capabilities", "lti.put_data", "lti.get_data"];
  if (!data || !known.includes(data.subject) || !event.source || event.origin === "null") {
    return;
  }
  const reply = { subject: `${data.subject}.response`, message_id: data.message_id };
  event.source.postMessage({ ...reply, ...answer(data, event.origin) }, event.origin);
});
