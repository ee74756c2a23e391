package api

// specialRoutes are the routes around the entities, each group in its own file.
func (a *API) specialRoutes() []Route {
	var all []Route
	for _, group := range [][]Route{
		a.serviceRoutes(),
		a.observationRoutes(),
		a.lineageRoutes(),
		a.rdfRoutes(),
		a.pipelineTrendRoutes(),
		a.appRoutes(),
		a.foreignKeyRoutes(),
		a.entityProfileRoutes(),
		a.csvRoutes(),
		a.usageRoutes(),
		a.queryRoutes(),
		a.typeRoutes(),
		a.assetRoutes(),
		a.columnRoutes(),
		a.tableDataRoutes(),
		a.qualityRoutes(),
		a.pipelineRoutes(),
		a.suggestionRoutes(),
		a.feedRoutes(),
		a.accountRoutes(),
		a.glossaryTermRoutes(),
		a.contractRoutes(),
		a.figureRoutes(),
		a.recognizerRoutes(),
		a.portRoutes(),
		a.hierarchyRoutes(),
		a.teamRoutes(),
		a.openLineageRoutes(),
		a.jobRoutes(),
		a.alertRoutes(),
		a.templateRoutes(),
		a.emailTemplateRoutes(),
	} {
		all = append(all, group...)
	}
	return all
}
