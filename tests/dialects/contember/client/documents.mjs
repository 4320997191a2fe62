// The tenant API by its own generated client, without a browser: one call a line in, one answer a line out.
import { createInterface } from 'node:readline'
import { GraphQlClient } from '@contember/graphql-client'
import * as T from '@contember/graphql-client-tenant'
import { ParameterRef, TextWriter, util } from 'graphql-ts-client-api'

const made = T.apiKeyWithToken$$.identity(T.identity$$)
const memberships = T.membership$$.variables(T.variableEntry$$)
const validated = error => error.membershipValidation(T.membershipValidationError$$)
const relation = T.identityProjectRelation$.project(T.project$$).memberships(memberships)
const whole = T.identity$$
	.person(T.person$$)
	.apiKey(T.apiKey$$)
	.projects(relation)
	.permissions(T.identityGlobalPermissions$$)

const documents = {
	me: T.query$.me(whole),
	projects: T.query$.projects(T.project$$),
	projectBySlug: T.query$.projectBySlug(
		T.project$$
			.roles(T.roleDefinition$$.variables(T.roleVariableDefinition$$.on(T.roleEntityVariableDefinition$$)))
			.members(
				{ input: ParameterRef.of('input', 'ProjectMembersInput') },
				T.projectIdentityRelation$.identity(T.identity$$).memberships(memberships),
			),
	),
	personById: T.query$.personById(T.person$$.identity(T.identity$$)),
	projectMemberships: T.query$.projectMemberships(memberships),
	createApiKey: T.mutation$.createApiKey(
		T.createApiKeyResponse$$
			.errors(validated(T.createApiKeyError$$))
			.error(validated(T.createApiKeyError$$))
			.result(T.createApiKeyResult$.apiKey(made)),
	),
	createGlobalApiKey: T.mutation$.createGlobalApiKey(
		T.createApiKeyResponse$$.error(T.createApiKeyError$$).result(T.createApiKeyResult$.apiKey(made)),
	),
	disableApiKey: T.mutation$.disableApiKey(
		T.disableApiKeyResponse$$.errors(T.disableApiKeyError$$).error(T.disableApiKeyError$$),
	),
	addGlobalIdentityRoles: T.mutation$.addGlobalIdentityRoles(
		T.addGlobalIdentityRolesResponse$$
			.error(T.addGlobalIdentityRolesError$$)
			.result(T.addGlobalIdentityRolesResult$.identity(T.identity$$)),
	),
	removeGlobalIdentityRoles: T.mutation$.removeGlobalIdentityRoles(
		T.removeGlobalIdentityRolesResponse$$
			.error(T.removeGlobalIdentityRolesError$$)
			.result(T.removeGlobalIdentityRolesResult$.identity(T.identity$$)),
	),
	addProjectMember: T.mutation$.addProjectMember(
		T.addProjectMemberResponse$$.error(validated(T.addProjectMemberError$$)),
	),
	updateProjectMember: T.mutation$.updateProjectMember(
		T.updateProjectMemberResponse$$.error(validated(T.updateProjectMemberError$$)),
	),
	removeProjectMember: T.mutation$.removeProjectMember(
		T.removeProjectMemberResponse$$.error(T.removeProjectMemberError$$),
	),
	createProject: T.mutation$.createProject(
		T.createProjectResponse$$
			.error(T.createProjectResponseError$$)
			.result(T.createProjectResult$.deployerApiKey(made)),
	),
	updateProject: T.mutation$.updateProject(T.updateProjectResponse$$.error(T.updateProjectError$$)),
	signIn: T.mutation$.signIn(
		T.signInResponse$$.error(T.signInError$$).result(T.signInResult$$.person(T.person$$)),
	),
	createSessionToken: T.mutation$.createSessionToken(
		T.createSessionTokenResponse$$
			.error(T.createSessionTokenError$$)
			.result(T.createSessionTokenResult$$.person(T.person$$)),
	),
	signOut: T.mutation$.signOut(T.signOutResponse$$.error(T.signOutError$$)),
	prepareOtp: T.mutation$.prepareOtp(T.prepareOtpResponse$$.result(T.prepareOtpResult$$)),
	confirmOtp: T.mutation$.confirmOtp(T.confirmOtpResponse$$.error(T.confirmOtpError$$)),
	disableOtp: T.mutation$.disableOtp(T.disableOtpResponse$$.error(T.disableOtpError$$)),
}

// As useTenantApi of @contember/react-client-tenant puts a document together.
function text(document) {
	const writer = new TextWriter()
	writer.text(document.fetchableType.name.toLowerCase())
	if (document.variableTypeMap.size !== 0) {
		writer.scope({ type: 'ARGUMENTS', multiLines: document.variableTypeMap.size > 2, suffix: ' ' }, () => {
			util.iterateMap(document.variableTypeMap, ([name, type]) => {
				writer.seperator()
				writer.text(`$${name}: ${type}`)
			})
		})
	}
	writer.text(document.toString())
	writer.text(document.toFragmentString())
	return writer.toString()
}

async function answer({ call, token, variables }) {
	const client = new GraphQlClient({ url: `${process.argv[2]}/tenant`, apiToken: token })
	try {
		const data = await client.execute(text(documents[call]), { variables })
		return { ok: Object.values(data)[0] }
	} catch (e) {
		return { type: e.type ?? String(e), status: e.response?.status, errors: e.errors, details: e.details }
	}
}

for await (const line of createInterface({ input: process.stdin })) {
	console.log(JSON.stringify(await answer(JSON.parse(line))))
}
