import { defineCollection, z } from 'astro:content';
import { glob } from 'astro/loaders';

// The schema of Astro's own blog template, with tags and drafts.
const blog = defineCollection({
  loader: glob({ base: './src/content/blog', pattern: '**/*.md' }),
  schema: z.object({
    title: z.string(),
    description: z.string(),
    pubDate: z.coerce.date(),
    updatedDate: z.coerce.date().optional(),
    draft: z.boolean(),
    tags: z.array(z.string()),
  }),
});

export const collections = { blog };
