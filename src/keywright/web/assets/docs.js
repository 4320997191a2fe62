"use strict";

SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#docs",
  deepLinking: true,
  defaultModelsExpandDepth: 0,
  displayRequestDuration: true,
  // A key typed here is forgotten when the page is closed.
  persistAuthorization: false,
  // The colours are written for a dark ground alone.
  syntaxHighlight: false,
  // The badge would send the document to another host.
  validatorUrl: null,
});
