// What a client of Skylark does, by graphql-request: URL as its argument, key in SKYLARK_API_KEY, findings as JSON.
import { GraphQLClient, gql } from "graphql-request";

const headers = { "x-bypass-cache": "1", "x-draft": "true" };
const as = (key) => new GraphQLClient(process.argv[2], { headers: { ...headers, Authorization: key } });
const admin = as(process.env.SKYLARK_API_KEY);

const CREATE = gql`
  mutation CREATE_API_KEY($apiKey: APIKeyInput!) {
    createApiKey(api_key: $apiKey) { __typename active api_key created expires name permissions }
  }
`;
const UPDATE = gql`
  mutation UPDATE_API_KEY($name: String!, $apiKey: APIKeyInputUpdate!) {
    updateApiKey(name: $name, api_key: $apiKey) { active api_key created expires name permissions }
  }
`;
const DELETE = gql`mutation DELETE_API_KEY($name: String!) { deleteApiKey(name: $name) }`;
const LIST = gql`query LIST_API_KEYS { listApiKeys { active api_key created expires name permissions } }`;
const USER = gql`
  query GET_USER_AND_ACCOUNT {
    getUser { account role permissions }
    getAccount { account_id skylark_version config { default_language } }
  }
`;
const ENUM = gql`query { __type(name: "SkylarkAPIPermission") { kind enumValues { name } } }`;
const CONNECT = gql`query { __type(name: "Metadata") { possibleTypes { name } } }`;

const refusal = async (client, query, variables) => {
  try {
    await client.request(query, variables);
    return null;
  } catch (error) {
    const { errorType, message, path } = error.response.errors[0];
    return { status: error.response.status, errorType, message, path };
  }
};

const found = {};
found.connected = await admin.request(CONNECT);
found.permissions = await admin.request(ENUM);
found.user = await admin.request(USER);

const apiKey = { name: "from_node", permissions: ["READ", "WRITE"], expires: "2091-05-04T10:20Z" };
const made = (await admin.request(CREATE, { apiKey })).createApiKey;
const holder = as(made.api_key);
found.made = { ...made, api_key: typeof made.api_key };
found.holder = (await holder.request(USER)).getUser;
found.listed = (await admin.request(LIST)).listApiKeys.filter(({ name }) => name === "from_node");

const all = { active: false, expires: null, permissions: ["READ"] };
found.updated = (await admin.request(UPDATE, { name: "from_node", apiKey: all })).updateApiKey;
found.disabled = await refusal(holder, USER);
await admin.request(UPDATE, { name: "from_node", apiKey: { active: true } });
found.denied = await refusal(holder, LIST);
found.taken = await refusal(admin, CREATE, { apiKey });
found.wrong = await refusal(admin, CREATE, { apiKey: { name: "x", permissions: ["NO_SUCH"] } });
found.deleted = (await admin.request(DELETE, { name: "from_node" })).deleteApiKey;
found.gone = await refusal(holder, CONNECT);
found.missing = await refusal(admin, DELETE, { name: "from_node" });
console.log(JSON.stringify(found));
