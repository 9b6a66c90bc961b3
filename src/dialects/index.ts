export { answerHeaders, forwardedHeaders } from './headers/headers.ts'
export { type ModelListOptions, type RenderedModelList, renderModel, renderModelList } from './render/models.ts'
export { type RenderedRefusal, renderRefusal } from './render/refusal.ts'
export { wireOf } from './wire.ts'
