// Shows the API's OpenAPI document with the vendored Swagger UI.
const element = document.getElementById("swagger-ui");
SwaggerUIBundle({ domNode: element, url: element.dataset.document, deepLinking: true, validatorUrl: null });
