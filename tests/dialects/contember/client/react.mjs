// The React client's hooks in a page of another origin, whose fetch asks for CORS: one call a line in, one answer out.
import { createInterface } from 'node:readline'
import { Window } from 'happy-dom'

const window = new Window({ url: 'http://app.example.com/' })
const page = { window, fetch: (...args) => window.fetch(...args) }
for (const name of ['document', 'navigator', 'localStorage', 'HTMLElement', 'HTMLIFrameElement', 'Node', 'Event']) {
	page[name] = window[name]
}
for (const [name, value] of Object.entries(page)) {
	Object.defineProperty(globalThis, name, { value, configurable: true, writable: true })
}

const { createElement } = await import('react')
const { createRoot } = await import('react-dom/client')
const { ContemberClient } = await import('@contember/react-client')
const R = await import('@contember/react-client-tenant')

const HOOKS = {
	me: R.useMeQuery,
	createApiKey: R.useCreateApiKeyMutation,
	createGlobalApiKey: R.useCreateGlobalApiKeyMutation,
	disableApiKey: R.useDisableApiKeyMutation,
	createSessionToken: R.useCreateSessionTokenMutation,
	addProjectMember: R.useAddProjectMemberMutation,
	updateProjectMember: R.useUpdateProjectMemberMutation,
	removeProjectMember: R.useRemoveProjectMemberMutation,
	projectMembers: R.useProjectMembersQuery,
	projectMemberships: R.useProjectMembershipsQuery,
	projectRoles: R.useProjectRolesDefinitionQuery,
	signIn: R.useSignInMutation,
	signOut: R.useSignOutMutation,
	changeMyPassword: R.useChangeMyPasswordMutation,
	prepareOtp: R.usePrepareOtpMutation,
	confirmOtp: R.useConfirmOtpMutation,
	disableOtp: R.useDisableOtpMutation,
}

const [apiBaseUrl, loginToken] = process.argv.slice(2)
const root = createRoot(document.body.appendChild(document.createElement('div')))

// The hooks as a component gets them that is shown with this session's token, and who it is told that it is.
function shown(sessionToken) {
	return new Promise(resolve => {
		function Page() {
			const hooks = Object.fromEntries(Object.entries(HOOKS).map(([name, hook]) => [name, hook()]))
			const identity = R.useIdentity()
			const state = R.useIdentityState()
			if (state !== 'loading') {
				resolve({ hooks, identity, state })
			}
			return null
		}
		const inside = createElement(R.IdentityProvider, null, createElement(Page))
		const props = { key: Math.random(), apiBaseUrl, loginToken, sessionToken }
		root.render(createElement(ContemberClient, props, inside))
	})
}

async function answer({ call, token, variables }) {
	if (call === 'elsewhere') {
		// Our REST door answers no page of another origin.
		const url = new URL('/v1/whoami', apiBaseUrl)
		return await fetch(url.href, { headers: { 'x-foot': 'yes' } }).then(r => ({ ok: r.status }), e => ({ type: String(e) }))
	}
	const { hooks, identity, state } = await shown(token)
	if (call === 'identity') {
		return { ok: { identity, state } }
	}
	try {
		return { ok: await hooks[call](variables ?? {}) }
	} catch (e) {
		return { type: e.type ?? String(e), status: e.response?.status, errors: e.errors, details: e.details }
	}
}

console.warn = console.error = () => {}
for await (const line of createInterface({ input: process.stdin })) {
	console.log(JSON.stringify(await answer(JSON.parse(line))))
}
process.exit(0)
