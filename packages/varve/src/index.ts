export * from '@varve/runtime'
