// What a course in a browser does with the record store, through @xapi/xapi unchanged.
// Usage: node journey.cjs ENDPOINT KEY SECRET VERSION; prints one JSON object of what came back.
const XAPI = require("@xapi/xapi");
const { randomUUID } = require("node:crypto");

const [endpoint, key, secret, version] = process.argv.slice(2);
const client = new XAPI({ endpoint, auth: XAPI.toBasicAuth(key, secret), version });
const agent = { objectType: "Agent", account: { homePage: "https://lms.example.go.id", name: `js-${version}` } };
const activityId = "https://lms.example.go.id/course/js";
const verb = { id: "http://adlnet.gov/expapi/verbs/experienced", display: { id: "mengalami" } };
const statement = (n) => ({
  id: randomUUID(),
  actor: { ...agent, name: "Budi" },
  verb,
  object: { objectType: "Activity", id: activityId, definition: { name: { id: `Bagian ${n}` } } },
  result: { score: { scaled: 0.25 }, duration: "PT1H30M" },
});

async function journey() {
  const seen = {};
  seen.versions = (await client.getAbout()).data.version;
  const first = statement(1);
  seen.sent = (await client.sendStatement({ statement: first })).data;
  seen.same = seen.sent[0] === first.id;
  const many = [2, 3, 4, 5].map(statement);
  seen.batch = (await client.sendStatements({ statements: many })).data.length;
  seen.one = (await client.getStatement({ statementId: first.id })).data.result.score.scaled;
  let page = (await client.getStatements({ agent, limit: 2, ascending: true })).data;
  seen.pages = [page.statements.length];
  while (page.more) {
    page = (await client.getMoreStatements({ more: page.more })).data;
    seen.pages.push(page.statements.length);
  }
  await client.voidStatement({ actor: agent, statementId: first.id });
  seen.voided = (await client.getVoidedStatement({ voidedStatementId: first.id })).data.id === first.id;
  seen.gone = await client.getStatement({ statementId: first.id }).then(() => 200, (error) => error.response.status);
  const place = { agent, activityId, stateId: "bookmark" };
  await client.createState({ ...place, state: { page: 3 } });
  await client.createState({ ...place, state: { mark: "a" } });
  seen.state = (await client.getState(place)).data;
  seen.states = (await client.getStates({ agent, activityId })).data;
  await client.deleteState(place);
  seen.left = (await client.getStates({ agent, activityId })).data;
  const profile = { activityId, profileId: "level" };
  await client.createActivityProfile({ ...profile, profile: { level: 1 } });
  const held = await client.getActivityProfile(profile);
  await client.setActivityProfile({ ...profile, profile: { level: 2 }, etag: held.headers.etag, matchHeader: "If-Match" });
  seen.stale = await client
    .setActivityProfile({ ...profile, profile: { level: 3 }, etag: held.headers.etag, matchHeader: "If-Match" })
    .then(() => 204, (error) => error.response.status);
  seen.profile = (await client.getActivityProfile(profile)).data;
  seen.person = (await client.getAgent({ agent })).data;
  seen.activity = (await client.getActivity({ activityId })).data.definition.name;
  return seen;
}

journey().then(
  (seen) => console.log(JSON.stringify(seen)),
  (error) => {
    console.error(error.response ? JSON.stringify(error.response.data) : error);
    process.exit(1);
  },
);
