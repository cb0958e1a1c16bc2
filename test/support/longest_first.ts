import { relative } from 'node:path'
import { BaseSequencer, type TestSpecification } from 'vitest/node'
import { LONG_FILES } from './long_files.ts'

/** Starts the long files first, so that no long file runs alone at the end. The other files keep the order of vitest. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files)
    return sorted.toSorted((a, b) => placeOf(a) - placeOf(b))
  }
}

/** The place of a file; the same for all files that are not long. */
function placeOf({ moduleId, project }: TestSpecification): number {
  const place = LONG_FILES.indexOf(relative(project.config.root, moduleId))
  return place === -1 ? LONG_FILES.length : place
}
