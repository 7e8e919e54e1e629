'use strict';
// The page asks for the description of the API where it is itself, with the token it was given, and shows it with Swagger UI.
// So it is right behind any proxy, and shows what the token's role may use.

const root = location.pathname.replace(/\/*$/, '/');

const bearer = token => (/\s/.test(token) ? token : `Bearer ${token}`);

// The description for this page: requests go to the page's origin, and tokens can be given.
function adapted(description) {
  const security = [{ JWT: [] }];
  if (description.openapi) {
    const securitySchemes = { JWT: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' } };
    return {
      ...description,
      servers: [{ url: location.origin + root.slice(0, -1) }],
      components: { ...description.components, securitySchemes },
      security,
    };
  }
  return {
    ...description,
    host: location.host,
    basePath: root,
    schemes: [location.protocol.replace(':', '')],
    securityDefinitions: { JWT: { type: 'apiKey', in: 'header', name: 'Authorization', description: 'A JSON Web Token.' } },
    security,
  };
}

// What is shown in place of a description that is refused, so that a token can be given.
function refusal(message) {
  return { swagger: '2.0', info: { title: 'No description', description: message }, paths: {} };
}

async function load(ui, token) {
  let description;
  try {
    const answer = await fetch(root, {
      headers: { Accept: 'application/openapi+json;version=3.1', ...(token && { Authorization: bearer(token) }) },
    });
    description = await answer.json();
    if (!answer.ok) {
      description = refusal(description.message);
    }
  } catch (failure) {
    description = refusal(String(failure));
  }
  document.title = description.info.title;
  ui.specActions.updateSpec(JSON.stringify(adapted(description)));
}

const ui = SwaggerUIBundle({
  dom_id: '#page',
  spec: adapted(refusal('Loading …')),
  deepLinking: true,
  docExpansion: 'none',
  defaultModelsExpandDepth: 0,
  filter: true,
  tryItOutEnabled: true,
  validatorUrl: null,
  requestInterceptor(request) {
    if (request.headers.Authorization) {
      request.headers.Authorization = bearer(request.headers.Authorization);
    }
    return request;
  },
  plugins: [
    {
      statePlugins: {
        auth: {
          wrapActions: {
            authorize: original => given => {
              load(ui, given.JWT.value);
              return original(given);
            },
            logout: original => names => {
              load(ui);
              return original(names);
            },
          },
        },
      },
    },
  ],
});
load(ui);
