"use strict";

// Queries and variables may hold a key as well as headers do, so nothing outlives the page.
const kept = new Map();
const storage = {
  getItem: (name) => kept.get(name) ?? null,
  setItem: (name, value) => void kept.set(name, value),
  removeItem: (name) => void kept.delete(name),
  clear: () => kept.clear(),
  get length() {
    return kept.size;
  },
};

const welcome = `# Put a key under "Headers", below:
#
# {"Authorization": "Bearer YOUR_KEY"}
#
# Ctrl-Space completes, Ctrl-Enter runs.
# Nothing typed here outlives the page.

query Me {
  viewer {
    __typename
  }
}
`;

ReactDOM.createRoot(document.getElementById("graphiql")).render(
  React.createElement(GraphiQL, {
    fetcher: GraphiQL.createFetcher({ url: "/graphql", enableIncrementalDelivery: false }),
    storage,
    defaultQuery: welcome,
    defaultEditorToolsVisibility: "headers",
    isHeadersEditorEnabled: true,
    shouldPersistHeaders: false,
    showPersistHeadersSettings: false,
  }),
);
