// Shows the API's OpenAPI document with the vendored Swagger UI.
const node = document.getElementById("swagger-ui");
SwaggerUIBundle({ domNode: node, url: node.dataset.document, deepLinking: true });
