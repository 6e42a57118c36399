// An OpenID Connect provider that others wrote, with keys of its own: node server.js [PORT]
// It prints its address. Each resource of a client is a kind of token: jwt with an algorithm, opaque, of another audience.
import { generateKeyPairSync, randomUUID } from "node:crypto";
import { createServer } from "node:http";
import { Provider } from "oidc-provider";

const AUDIENCE = "flex-ready-emulator";
const KINDS = {
  "urn:token:RS256": { accessTokenFormat: "jwt", jwt: { sign: { alg: "RS256" } } },
  "urn:token:PS256": { accessTokenFormat: "jwt", jwt: { sign: { alg: "PS256" } } },
  "urn:token:ES256": { accessTokenFormat: "jwt", jwt: { sign: { alg: "ES256" } } },
  "urn:token:EdDSA": { accessTokenFormat: "jwt", jwt: { sign: { alg: "EdDSA" } } },
  "urn:token:RS512": { accessTokenFormat: "jwt", jwt: { sign: { alg: "RS512" } } },
  "urn:token:opaque": { accessTokenFormat: "opaque" },
  "urn:token:other": { accessTokenFormat: "jwt", audience: "another-service" },
};

function key(type, options) {
  const { privateKey } = generateKeyPairSync(type, options);
  return { ...privateKey.export({ format: "jwk" }), use: "sig", kid: randomUUID() };
}

const server = createServer();
server.listen(Number(process.argv[2] ?? 0), "127.0.0.1", () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: "bacs",
        client_secret: "bacs-secret",
        grant_types: ["client_credentials"],
        redirect_uris: [],
        response_types: [],
      },
    ],
    jwks: {
      keys: [
        key("rsa", { modulusLength: 2048 }),
        key("ec", { namedCurve: "P-256" }),
        key("ed25519"),
      ],
    },
    features: {
      clientCredentials: { enabled: true },
      devInteractions: { enabled: false },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: (_context, resource) => ({
          scope: "admin read",
          audience: AUDIENCE,
          accessTokenTTL: 600,
          ...KINDS[resource],
        }),
      },
    },
  });
  server.on("request", provider.callback());
  console.log(issuer);
});
