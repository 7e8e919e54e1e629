'use strict';
// The page asks for the description of the API where it is itself, with the token it was given, and shows it with Swagger UI.
// So it is right behind any proxy, and shows what the token's role may use.

const root = location.pathname.replace(/\/*$/, '/');

// The description for this page: requests go to the page's origin, and tokens can be given.
function adapted(description) {
  return {
    ...description,
    servers: [{ url: location.origin + root.slice(0, -1) }],
    components: {
      ...description.components,
      securitySchemes: { JWT: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' } },
    },
    security: [{ JWT: [] }],
  };
}

// What is shown in place of a description that is refused, so that a token can be given.
function refusal(message) {
  return { openapi: '3.1.0', info: { title: 'No description', description: message, version: '' }, paths: {} };
}

async function describe(token) {
  try {
    const answer = await fetch(`${root}openapi/3.1.json`, {
      headers: token ? { Authorization: `Bearer ${token}` } : {},
    });
    const description = await answer.json();
    return answer.ok ? description : refusal(description.message);
  } catch (failure) {
    return refusal(String(failure));
  }
}

// Shows what there is for a token. For another token all is made anew, so that nothing of the former description stays.
async function show(token) {
  const description = adapted(await describe(token));
  document.title = description.info.title;
  const place = document.createElement('div');
  document.getElementById('page').replaceChildren(place);
  const auth = {
    authorize: original => given => (given.JWT.value === token ? original(given) : show(given.JWT.value)),
    logout: () => () => show(''),
  };
  const ui = SwaggerUIBundle({
    domNode: place,
    spec: description,
    deepLinking: true,
    docExpansion: 'none',
    defaultModelsExpandDepth: 0,
    filter: true,
    tryItOutEnabled: true,
    validatorUrl: null,
    plugins: [{ statePlugins: { auth: { wrapActions: auth } } }],
  });
  if (token) {
    ui.preauthorizeApiKey('JWT', token);
  }
}

show('');
