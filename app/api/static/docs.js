"use strict";

SwaggerUIBundle({
  // Whole, because a page that was opened with a token in its address may not fetch relative to it.
  url: window.location.origin + "/openapi.json",
  dom_id: "#docs",
  deepLinking: true,
  presets: [SwaggerUIBundle.presets.apis],
  // No request leaves for a validator on the internet.
  validatorUrl: null,
});
