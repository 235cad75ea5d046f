// Statements with two attachments, there and back, through JavaScript clients unchanged.
// Usage: node attachments.cjs tincanjs|xapi-2|xapi-3 ENDPOINT KEY SECRET VERSION; prints one JSON object of what came back.
const { createHash, randomUUID } = require("node:crypto");

const [name, endpoint, key, secret, version] = process.argv.slice(2);
const TEXTS = ["first attachment", "ends with a line break\r\n"];
const usageType = "https://example.org/usage/note";
const hashOf = (text) => createHash("sha256").update(text).digest("hex");

function described(text) {
  return {
    usageType,
    display: { id: "Catatan" },
    contentType: "text/plain",
    length: Buffer.byteLength(text),
    sha2: hashOf(text),
  };
}

function statement(texts) {
  return {
    id: randomUUID(),
    actor: { objectType: "Agent", mbox: "mailto:budi@example.go.id" },
    verb: { id: "http://adlnet.gov/expapi/verbs/experienced", display: { id: "mengalami" } },
    object: { objectType: "Activity", id: "https://lms.example.go.id/course/js" },
    attachments: texts.map(described),
  };
}

async function withTinCan() {
  const TinCan = require("tincanjs");
  // The latest version that it knows; a store of 1.0.3 takes it.
  const lrs = new TinCan.LRS({ endpoint, username: key, password: secret, version: "1.0.2", allowFail: false });
  const bytes = (text) => new Uint8Array(Buffer.from(text)).buffer;
  const make = () => {
    const made = statement(TEXTS);
    made.attachments.forEach((each, place) => Object.assign(each, { content: bytes(TEXTS[place]) }));
    return new TinCan.Statement(made);
  };
  const called = (method, ...given) =>
    new Promise((resolve, reject) => {
      const callback = (error, result) =>
        error ? reject(new Error(`${method}: ${error} ${result && result.responseText}`)) : resolve(result);
      const last = given[given.length - 1];
      if (method === "queryStatements") lrs[method]({ ...last, callback });
      else lrs[method](...given.slice(0, -1), { ...last, callback });
    });
  const one = make();
  await called("saveStatement", one, {});
  await called("saveStatements", [make(), make()], {});
  const texts = (found) => found.attachments.map((each) => each.getContentAsString());
  const several = await called("queryStatements", { params: { attachments: true } });
  const single = await called("retrieveStatement", one.id, { params: { attachments: true } });
  return { several: several.statements.map(texts), single: texts(single) };
}

async function withXapi(XAPI) {
  // A browser sends a Blob with the Content-Type that the client set; axios in Node.js would overwrite it.
  globalThis.Blob = function (parts) {
    return Buffer.concat(parts.map((each) => Buffer.from(each)));
  };
  const client = new XAPI({ endpoint, auth: XAPI.toBasicAuth(key, secret), version });
  const buffers = TEXTS.map((text) => new Uint8Array(Buffer.from(text)).buffer);
  const one = statement(TEXTS);
  await client.sendStatement({ statement: one, attachments: buffers });
  const two = [statement(TEXTS.slice(0, 1)), statement(TEXTS.slice(1))];
  await client.sendStatements({ statements: two, attachments: buffers });
  const several = (await client.getStatements({ attachments: true })).data;
  const single = (await client.getStatement({ statementId: one.id, attachments: true })).data;
  return { several: several[0].statements.length, parts: several.length, single: single[0].id === one.id };
}

const run = name === "tincanjs" ? withTinCan : () => withXapi(require(name === "xapi-2" ? "xapi-2" : "@xapi/xapi"));
run().then(
  (seen) => console.log(JSON.stringify(seen)),
  (error) => {
    console.error(error.response ? JSON.stringify(error.response.data) : error);
    process.exit(1);
  },
);
